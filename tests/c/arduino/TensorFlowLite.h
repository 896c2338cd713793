// Stands for the library that brings TensorFlow Lite Micro.
#pragma once

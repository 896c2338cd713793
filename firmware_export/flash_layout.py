"""How the flash of an ESP is divided: the application and two slots for blobs."""

import dataclasses

# Partitions of applications begin at multiples of it, and blobs are mapped by pages of
# that size.
PAGE_BYTES = 0x10000
# Where the application begins, behind boot loader, table, nvs and phy_init.
APPLICATION_OFFSET = 0x10000
# For the application beside the model: ESP-IDF with console and TFLM stays below it.
_APPLICATION_BYTES = 0x100000
_SIZES_MEGABYTES = (4, 8, 16, 32, 64, 128)


@dataclasses.dataclass(frozen=True)
class FlashLayout:
    """Sizes of partitions.

    Attributes:
        blob_bytes: of the blob, and about those of the same model in the application.
    """

    blob_bytes: int

    @property
    def application_bytes(self) -> int:
        return _pages(_APPLICATION_BYTES + self.blob_bytes)

    @property
    def slot_offset(self) -> int:
        """Where the first slot begins; the second one follows it."""
        return APPLICATION_OFFSET + self.application_bytes

    @property
    def slot_bytes(self) -> int:
        """Of each slot: an eighth more than the blob, for that of a later training."""
        return _pages(self.blob_bytes + self.blob_bytes // 8)

    @property
    def megabytes(self) -> int:
        """Of the smallest flash that holds all.

        Raises:
            ValueError: there is none.
        """
        needed = self.slot_offset + 2 * self.slot_bytes
        for size in _SIZES_MEGABYTES:
            if needed <= size << 20:
                return size
        raise ValueError(
            f"blob: {self.blob_bytes} bytes; too many for two of them and the "
            f"application in {_SIZES_MEGABYTES[-1]} MB of flash"
        )


def _pages(size: int) -> int:
    """Rounded up to whole pages."""
    return -(-size // PAGE_BYTES) * PAGE_BYTES

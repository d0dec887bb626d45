"""Does redemption keep customers, and what does it cost? One topic a file; numbers in, plain values out."""

"""What runs on the device: reading faces from a camera, and measuring what int8 cost."""

"""The form that each channel gives to a notice. No I/O."""

"""The pure heart: values in, values out. No clock, no input or output, no framework."""

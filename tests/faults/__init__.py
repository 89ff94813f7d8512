"""Faults injected by the kernel into commits: see `kernel` (how), `commits` (into what), `points` (what must hold)."""

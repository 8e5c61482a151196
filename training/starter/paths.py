"""Where the stages leave their files. Both folders are ignored by git."""

from pathlib import Path

TRAINING = Path(__file__).resolve().parent.parent
DATA = TRAINING / "data"
RUNS = TRAINING / "runs"
CHECKPOINT = TRAINING.parent / "models" / "checkpoints" / "atelier-starter.safetensors"

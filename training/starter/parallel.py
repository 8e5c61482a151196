"""Data-parallel training over single-threaded processes.

On few shared cores this is several times faster than many threads in one process: a process only waits for the
others once a step, not once an operation.
"""

import os
import subprocess
import sys
from collections.abc import Callable

import torch
import torch.distributed as dist

from starter.paths import RUNS


def launch(train: Callable[[int, float], None], processes: int, budget: float) -> None:
    """Starts this program once per process; each of those calls `train(rank, budget)`."""
    if "RANK" in os.environ:
        rank, port = int(os.environ["RANK"]), os.environ["RENDEZVOUS"]
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{port}", rank=rank, world_size=processes)
        train(rank, budget)
        dist.destroy_process_group()
        return
    RUNS.mkdir(exist_ok=True)
    rendezvous = RUNS / f"rendezvous.{os.getpid()}"
    command = [sys.executable, "-m", sys.modules["__main__"].__spec__.name, *sys.argv[1:]]
    environment = os.environ | {"RENDEZVOUS": str(rendezvous)}
    running = [subprocess.Popen(command, env=environment | {"RANK": str(rank)}) for rank in range(processes)]
    codes = [process.wait() for process in running]
    rendezvous.unlink(missing_ok=True)
    if any(codes):
        raise SystemExit(f"a training process failed: {codes}")


@torch.no_grad()
def average_gradients(parameters: list[torch.nn.Parameter], clock: float) -> float:
    """Replaces gradients by their mean over all processes; returns the mean of their clocks.

    All processes therefore read the same time, follow the same schedule and stop at the same step.
    """
    for p in parameters:
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    parts = [p.grad.flatten() for p in parameters] + [torch.tensor([clock])]
    flat = torch.cat(parts)
    dist.all_reduce(flat)
    flat /= dist.get_world_size()
    for p, mean in zip(parameters, flat[:-1].split([p.numel() for p in parameters])):
        p.grad.copy_(mean.view_as(p))
    return float(flat[-1])

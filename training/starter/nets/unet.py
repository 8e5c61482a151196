"""Diffusion UNet whose attribute names are the LDM keys under `model.diffusion_model.`.

Scaled noisy latents [batch, 4, h, w], timesteps [batch], context [batch, 77, width] -> noise [batch, 4, h, w].
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

HEADS = 8


def timestep_embedding(timesteps: Tensor, width: int) -> Tensor:
    """Cosines, then sines of the timestep [batch] at geometric frequencies: [batch, width]."""
    half = width // 2
    frequencies = torch.exp(-math.log(10_000) * torch.arange(half) / half)
    angles = timesteps[:, None].float() * frequencies
    return torch.cat([angles.cos(), angles.sin()], dim=1)


def zeroed(module: nn.Module) -> nn.Module:
    """Starts a layer at zero, so that the branch it ends begins as nothing."""
    for parameter in module.parameters():
        nn.init.zeros_(parameter)
    return module


class ResBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int, embedding: int) -> None:
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(32, inputs), nn.SiLU(), nn.Conv2d(inputs, outputs, 3, padding=1)
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(embedding, outputs))
        self.out_layers = nn.Sequential(
            nn.GroupNorm(32, outputs), nn.SiLU(), nn.Identity(), zeroed(nn.Conv2d(outputs, outputs, 3, padding=1))
        )
        self.skip_connection = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else nn.Identity()

    def forward(self, x: Tensor, embedding: Tensor) -> Tensor:
        h = self.in_layers(x) + self.emb_layers(embedding)[:, :, None, None]
        return self.skip_connection(x) + self.out_layers(h)


class CrossAttention(nn.Module):
    """Attention of x [batch, n, width] to the context, or to itself where there is none."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(context, width, bias=False)
        self.to_v = nn.Linear(context, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        projected = (self.to_q(x), self.to_k(context), self.to_v(context))
        q, k, v = (t.unflatten(2, (HEADS, -1)).transpose(1, 2) for t in projected)
        h = F.scaled_dot_product_attention(q, k, v)
        return self.to_out(h.transpose(1, 2).flatten(2))


class GEGLU(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inner)

    def forward(self, x: Tensor) -> Tensor:
        value, gate = self.proj(x).chunk(2, dim=-1)
        return value * F.gelu(gate)


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.net = nn.Sequential(GEGLU(width, 4 * width), nn.Identity(), nn.Linear(4 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class TransformerBlock(nn.Module):
    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.attn1 = CrossAttention(width, width)
        self.ff = FeedForward(width)
        self.attn2 = CrossAttention(width, context)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.norm1(x)
        x = x + self.attn1(h, h)
        x = x + self.attn2(self.norm2(x), context)
        return x + self.ff(self.norm3(x))


class SpatialTransformer(nn.Module):
    """A transformer block over all positions of a feature map."""

    def __init__(self, width: int, context: int) -> None:
        super().__init__()
        self.norm = nn.GroupNorm(32, width, eps=1e-6)
        self.proj_in = nn.Conv2d(width, width, 1)
        self.transformer_blocks = nn.ModuleList([TransformerBlock(width, context)])
        self.proj_out = zeroed(nn.Conv2d(width, width, 1))

    def forward(self, x: Tensor, context: Tensor) -> Tensor:
        h = self.proj_in(self.norm(x)).flatten(2).transpose(1, 2)
        for block in self.transformer_blocks:
            h = block(h, context)
        return x + self.proj_out(h.transpose(1, 2).reshape(x.shape))


class Downsample(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.op = nn.Conv2d(width, width, 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.op(x)


class Upsample(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Block(nn.Sequential):
    """Hands each member what it takes besides the feature map."""

    def forward(self, x: Tensor, embedding: Tensor, context: Tensor) -> Tensor:
        for member in self:
            if isinstance(member, ResBlock):
                x = member(x, embedding)
            elif isinstance(member, SpatialTransformer):
                x = member(x, context)
            else:
                x = member(x)
        return x


class UNet(nn.Module):
    """`attention` holds the levels (0 is the finest) that have transformers."""

    def __init__(
        self,
        widths: tuple[int, ...] = (64, 128, 256),
        blocks: int = 1,
        attention: tuple[int, ...] = (1, 2),
        context: int = 192,
    ) -> None:
        super().__init__()
        embedding = 4 * widths[0]
        self.width = widths[0]
        self.time_embed = nn.Sequential(
            nn.Linear(widths[0], embedding), nn.SiLU(), nn.Linear(embedding, embedding)
        )

        def stage(inputs: int, level: int) -> list[nn.Module]:
            width = widths[level]
            transformer = [SpatialTransformer(width, context)] if level in attention else []
            return [ResBlock(inputs, width, embedding), *transformer]

        last = len(widths) - 1
        skips = [widths[0]]
        self.input_blocks = nn.ModuleList([Block(nn.Conv2d(4, widths[0], 3, padding=1))])
        for level, width in enumerate(widths):
            for _ in range(blocks):
                self.input_blocks.append(Block(*stage(skips[-1], level)))
                skips.append(width)
            if level < last:
                self.input_blocks.append(Block(Downsample(width)))
                skips.append(width)
        channels = widths[-1]
        self.middle_block = Block(
            ResBlock(channels, channels, embedding),
            SpatialTransformer(channels, context),
            ResBlock(channels, channels, embedding),
        )
        self.output_blocks = nn.ModuleList()
        for level, width in reversed(list(enumerate(widths))):
            for i in range(blocks + 1):
                members = stage(channels + skips.pop(), level)
                channels = width
                if level > 0 and i == blocks:
                    members.append(Upsample(width))
                self.output_blocks.append(Block(*members))
        self.out = nn.Sequential(
            nn.GroupNorm(32, channels), nn.SiLU(), zeroed(nn.Conv2d(channels, 4, 3, padding=1))
        )

    def forward(self, x: Tensor, timesteps: Tensor, context: Tensor) -> Tensor:
        embedding = self.time_embed(timestep_embedding(timesteps, self.width))
        skips: list[Tensor] = []
        for block in self.input_blocks:
            x = block(x, embedding, context)
            skips.append(x)
        x = self.middle_block(x, embedding, context)
        for block in self.output_blocks:
            x = block(torch.cat([x, skips.pop()], dim=1), embedding, context)
        return self.out(x)

"""KL autoencoder whose attribute names are the LDM keys under `first_stage_model.`.

Pixels [batch, 3, H, W] in -1..1 <-> moments [batch, 8, H/8, W/8] / latents [batch, 4, H/8, W/8].
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LATENT_SCALE = 0.18215
"""Latents times this are what the diffusion model sees (unit variance)."""


def _norm(channels: int) -> nn.GroupNorm:
    return nn.GroupNorm(32, channels, eps=1e-6)


class ResnetBlock(nn.Module):
    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.norm1 = _norm(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, padding=1)
        self.norm2 = _norm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)
        self.nin_shortcut = nn.Conv2d(inputs, outputs, 1) if inputs != outputs else None

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        h = self.conv2(F.silu(self.norm2(h)))
        return h + (x if self.nin_shortcut is None else self.nin_shortcut(x))


class AttnBlock(nn.Module):
    """Self-attention over all positions with a single head."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = _norm(channels)
        self.q = nn.Conv2d(channels, channels, 1)
        self.k = nn.Conv2d(channels, channels, 1)
        self.v = nn.Conv2d(channels, channels, 1)
        self.proj_out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.norm(x)
        q, k, v = (m(h).flatten(2).transpose(1, 2) for m in (self.q, self.k, self.v))
        h = F.scaled_dot_product_attention(q, k, v)
        return x + self.proj_out(h.transpose(1, 2).reshape(x.shape))


class Middle(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.block_1 = ResnetBlock(channels, channels)
        self.attn_1 = AttnBlock(channels)
        self.block_2 = ResnetBlock(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return self.block_2(self.attn_1(self.block_1(x)))


class Downsample(nn.Module):
    """Halves the size; pads right and bottom only, as LDM does."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, stride=2)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.pad(x, (0, 1, 0, 1)))


class Upsample(nn.Module):
    """Doubles the size: nearest neighbour, then a convolution."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(F.interpolate(x, scale_factor=2.0, mode="nearest"))


class Level(nn.Module):
    """One resolution: residual blocks, then a change of size except at the ends."""

    def __init__(self, widths: list[int], resize: nn.Module | None, resize_name: str) -> None:
        super().__init__()
        self.block = nn.ModuleList(ResnetBlock(a, b) for a, b in zip(widths, widths[1:]))
        self.resize_name = resize_name if resize is not None else None
        if resize is not None:
            self.add_module(resize_name, resize)

    def forward(self, x: Tensor) -> Tensor:
        for block in self.block:
            x = block(x)
        return x if self.resize_name is None else getattr(self, self.resize_name)(x)


class Encoder(nn.Module):
    """Pixels to moments before `quant_conv`."""

    def __init__(self, widths: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(3, widths[0], 3, padding=1)
        self.down = nn.ModuleList()
        channels = widths[0]
        for i, width in enumerate(widths):
            last = i == len(widths) - 1
            resize = None if last else Downsample(width)
            self.down.append(Level([channels] + [width] * blocks, resize, "downsample"))
            channels = width
        self.mid = Middle(channels)
        self.norm_out = _norm(channels)
        self.conv_out = nn.Conv2d(channels, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv_in(x)
        for level in self.down:
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(self.mid(x))))


class Decoder(nn.Module):
    """Latents after `post_quant_conv` to pixels."""

    def __init__(self, widths: tuple[int, ...], blocks: int) -> None:
        super().__init__()
        channels = widths[-1]
        self.conv_in = nn.Conv2d(4, channels, 3, padding=1)
        self.mid = Middle(channels)
        levels: list[Level] = []
        for i, width in reversed(list(enumerate(widths))):
            resize = None if i == 0 else Upsample(width)
            levels.append(Level([channels] + [width] * (blocks + 1), resize, "upsample"))
            channels = width
        self.up = nn.ModuleList(reversed(levels))
        self.norm_out = _norm(channels)
        self.conv_out = nn.Conv2d(channels, 3, 3, padding=1)

    def forward(self, z: Tensor) -> Tensor:
        x = self.mid(self.conv_in(z))
        for level in reversed(self.up):
            x = level(x)
        return self.conv_out(F.silu(self.norm_out(x)))


class VAE(nn.Module):
    """`encode` gives the mean latents, `decode` pixels; the log-variance half is trained to a constant."""

    def __init__(self, widths: tuple[int, ...] = (64, 64, 128, 128), blocks: int = 1) -> None:
        super().__init__()
        self.encoder = Encoder(widths, blocks)
        self.decoder = Decoder(widths, blocks)
        self.quant_conv = nn.Conv2d(8, 8, 1)
        self.post_quant_conv = nn.Conv2d(4, 4, 1)

    def encode(self, pixels: Tensor) -> Tensor:
        return self.quant_conv(self.encoder(pixels)).chunk(2, dim=1)[0]

    def decode(self, latents: Tensor) -> Tensor:
        return self.decoder(self.post_quant_conv(latents))

    @torch.no_grad()
    def whiten(self, mean: Tensor, std: Tensor, spread: float = 0.01) -> None:
        """Folds an affine map into both 1x1 convolutions, so that scaled latents have mean 0 and std 1.

        `mean` and `std` [4] describe the latents as they were; afterwards z' = (z - mean) / (std * scale).
        The log-variance output becomes a constant that stands for a standard deviation of `spread` scaled.
        """
        gain = 1.0 / (std * LATENT_SCALE)
        self.quant_conv.weight[:4] *= gain[:, None, None, None]
        self.quant_conv.bias[:4] = (self.quant_conv.bias[:4] - mean) * gain
        self.quant_conv.weight[4:] = 0.0
        self.quant_conv.bias[4:] = 2.0 * torch.log(torch.tensor(spread / LATENT_SCALE))
        shift = (self.post_quant_conv.weight[:, :, 0, 0] * mean).sum(dim=1)
        self.post_quant_conv.bias += shift
        self.post_quant_conv.weight *= (std * LATENT_SCALE)[None, :, None, None]

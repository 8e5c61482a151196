"""CLIP text transformer whose attribute names are the keys under `cond_stage_model.transformer.text_model.`.

Token ids [batch, 77] -> context [batch, 77, width]: the final layer norm of the last layer.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LENGTH = 77
VOCABULARY = 49_408


def quick_gelu(x: Tensor) -> Tensor:
    return x * torch.sigmoid(1.702 * x)


class Embeddings(nn.Module):
    def __init__(self, tokens: int, width: int) -> None:
        super().__init__()
        self.token_embedding = nn.Embedding(tokens, width)
        self.position_embedding = nn.Embedding(LENGTH, width)
        nn.init.normal_(self.token_embedding.weight, std=0.5)
        nn.init.normal_(self.position_embedding.weight, std=0.1)

    def forward(self, ids: Tensor) -> Tensor:
        return self.token_embedding(ids) + self.position_embedding.weight[: ids.shape[1]]


class Attention(nn.Module):
    """Causal self-attention; heads are 64 wide."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.heads = width // 64
        self.q_proj = nn.Linear(width, width)
        self.k_proj = nn.Linear(width, width)
        self.v_proj = nn.Linear(width, width)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = (m(x).unflatten(2, (self.heads, -1)).transpose(1, 2) for m in (self.q_proj, self.k_proj, self.v_proj))
        h = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.out_proj(h.transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, 4 * width)
        self.fc2 = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(quick_gelu(self.fc1(x)))


class Layer(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.self_attn = Attention(width)
        self.layer_norm1 = nn.LayerNorm(width)
        self.mlp = MLP(width)
        self.layer_norm2 = nn.LayerNorm(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.self_attn(self.layer_norm1(x))
        return x + self.mlp(self.layer_norm2(x))


class Stack(nn.Module):
    def __init__(self, width: int, layers: int) -> None:
        super().__init__()
        self.layers = nn.ModuleList(Layer(width) for _ in range(layers))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layers:
            x = layer(x)
        return x


class TextModel(nn.Module):
    """`tokens` is the number of embedding rows: a compact table in training, all of CLIP's once exported."""

    def __init__(self, tokens: int = VOCABULARY, width: int = 192, layers: int = 2) -> None:
        super().__init__()
        self.embeddings = Embeddings(tokens, width)
        self.encoder = Stack(width, layers)
        self.final_layer_norm = nn.LayerNorm(width)

    def forward(self, ids: Tensor) -> Tensor:
        return self.final_layer_norm(self.encoder(self.embeddings(ids)))


@torch.no_grad()
def full_table(compact: Tensor, ids: list[int]) -> Tensor:
    """Spreads compact rows [n, width] to CLIP's ids [49408, width]; rows never seen stay zero."""
    table = torch.zeros(VOCABULARY, compact.shape[1])
    table[torch.tensor(ids)] = compact
    return table

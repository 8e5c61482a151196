import { patchNetworks, type AppliedLora, type LoraUse } from '../patches/patch-networks.ts';
import type { Weights } from '../weights/weights.ts';
import { FAMILIES } from './family-facts.ts';
import { familyOfLora } from './lora-family.ts';
import type { CheckpointParts } from './recognise.ts';

/** A checkpoint's parts with LoRAs in its UNet and text encoders. */
export interface PatchedCheckpoint {
  readonly parts: CheckpointParts;
  readonly applied: readonly AppliedLora[];
}

/** @throws EngineError `model-invalid` if a LoRA is for another model; see `patchNetworks` */
export function withLoras(parts: CheckpointParts, uses: readonly LoraUse[]): PatchedCheckpoint {
  if (uses.length === 0) return { parts, applied: [] };
  const { family, unet, towers } = parts;
  // A refiner has the second of SDXL's text encoders alone; LoRA files name it so.
  const isSecond = family === 'sdxl-refiner';
  const weights: (Weights | null)[] = towers.map((tower) => tower.weights);
  const { networks, applied } = patchNetworks(
    { unet, textEncoders: isSecond ? [null, ...weights] : weights },
    uses,
    {
      name: unet.source.name,
      title: FAMILIES[family].title,
      titleOf: (lora) => {
        const own = familyOfLora(lora);
        return own === null ? null : FAMILIES[own].title;
      },
    },
  );
  const encoders = (networks.textEncoders ?? []).filter((encoder) => encoder !== null);
  return {
    parts: {
      ...parts,
      unet: networks.unet ?? unet,
      towers: towers.map((tower, index) => ({ ...tower, weights: encoders[index] ?? tower.weights })),
    },
    applied,
  };
}

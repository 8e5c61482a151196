/** 8-bit RGB, interleaved, height · width · 3 bytes. */
export interface RgbImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** 8-bit grey, height · width bytes. */
export interface GreyImage {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

/** How many values lie side by side for each pixel: 3 or 1. */
export function channelsOf({ data, width, height }: RgbImage): number {
  return data.length / (width * height);
}

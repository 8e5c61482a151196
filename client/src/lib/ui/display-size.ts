interface Size {
  readonly width: number;
  readonly height: number;
}

/** The longer side a small picture is enlarged to on the stage, in CSS pixels. */
export const ENLARGE_TO = 520;

/**
 * The width at which a picture is shown where there is room: its own, or enlarged so that the longer side reaches
 * `enlargeTo`, but at most fourfold; beyond that it would only get softer.
 * @param enlargeTo CSS pixels.
 */
export const displayWidth = (size: Size, enlargeTo = ENLARGE_TO): number =>
  Math.round(size.width * scale(size, enlargeTo));

/** The height that goes with {@link displayWidth}. */
export const displayHeight = (size: Size, enlargeTo = ENLARGE_TO): number =>
  Math.round(size.height * scale(size, enlargeTo));

const scale = ({ width, height }: Size, enlargeTo: number): number =>
  Math.max(1, Math.min(4, enlargeTo / Math.max(width, height)));

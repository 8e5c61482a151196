/** Above this mean cosine the great circle is too short to walk on. */
const PARALLEL = 0.9995;

/**
 * Mixes two draws along great circles, so that the mix is as long as they are: columns of pixels (one channel, one x) are
 * the vectors, as in the webui. Shoemake 1985, "slerp".
 * @param share How much of `other`: 0…1.
 * @param dims Of both.
 */
export function spherical(
  noise: Float32Array,
  other: Float32Array,
  share: number,
  [channels, height, width]: readonly [channels: number, height: number, width: number],
): Float32Array {
  const columns = channels * width;
  const placeOf = (column: number, y: number) =>
    (Math.floor(column / width) * height + y) * width + (column % width);
  const angles = Float64Array.from({ length: columns }, (_, column) => {
    let [dot, first, second] = [0, 0, 0];
    for (let y = 0; y < height; y++) {
      const place = placeOf(column, y);
      dot += noise[place] * other[place];
      first += noise[place] ** 2;
      second += other[place] ** 2;
    }
    return Math.acos(Math.min(Math.max(dot / Math.sqrt(first * second), -1), 1));
  });
  const cosine = angles.reduce((sum, angle) => sum + Math.cos(angle), 0) / columns;
  // The reference has the shares the other way round here; where the two draws are the same it makes no difference.
  if (cosine > PARALLEL) return noise.map((value, i) => share * value + (1 - share) * other[i]);
  const mixed = new Float32Array(noise.length);
  angles.forEach((angle, column) => {
    const [kept, added] = [Math.sin((1 - share) * angle), Math.sin(share * angle)].map(
      (s) => s / Math.sin(angle),
    );
    for (let y = 0; y < height; y++) {
      const place = placeOf(column, y);
      mixed[place] = kept * noise[place] + added * other[place];
    }
  });
  return mixed;
}

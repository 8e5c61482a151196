/** Solves linear equations, given as rows of coefficients with the right side last. Gauss–Jordan elimination. */
export function solve(rows: readonly (readonly number[])[]): number[] {
  return reduced(rows).map((row) => row[rows.length]);
}

/** The inverse of a square matrix, given and returned as rows. */
export function inverse(rows: readonly (readonly number[])[]): number[][] {
  const unit = (i: number) => rows.map((_, column) => (column === i ? 1 : 0));
  return reduced(rows.map((row, i) => [...row, ...unit(i)])).map((row) => row.slice(rows.length));
}

/** The rows, whose first columns become the unit matrix. */
function reduced(input: readonly (readonly number[])[]): number[][] {
  const rows = input.map((row) => [...row]);
  rows.forEach((pivot, i) => {
    for (let column = pivot.length - 1; column >= i; column--) pivot[column] /= pivot[i];
    for (const row of rows) {
      if (row === pivot) continue;
      const factor = row[i];
      row.forEach((_, column) => (row[column] -= factor * pivot[column]));
    }
  });
  return rows;
}

/** Headings of the report, in order. */
export const SECTIONS = /** @type {const} */ ([
  'Weight files',
  'Text',
  'UNets',
  'VAEs',
  'Changes to a checkpoint',
  'Control',
  'Upscalers',
  'Random numbers',
  'Schedules',
  'Samplers',
  'Whole pictures',
]);

/** What an error is measured in: how a number of it is written. */
export const UNITS = /** @type {const} */ ({
  absolute: (number) => number,
  relative: (number) => `${number} relative`,
  std: (number) => `${number} × std`,
  largest: (number) => `${number} × largest`,
  level: (number) => `${number} of 255`,
  'mean level': (number) => `${number} of 255 on average`,
  exact: () => 'exact',
});

/**
 * @typedef {object} Measurement
 * @property {(typeof SECTIONS)[number]} section
 * @property {string} feature what was compared
 * @property {string} against the reference and its version
 * @property {boolean} isInRepository whether anybody with a clone has the reference data
 * @property {keyof typeof UNITS} unit
 * @property {number} error
 * @property {number} limit
 */

/** The measurements as tables in Markdown; the same whatever order they come in. */
export function render(/** @type {readonly Measurement[]} */ measurements) {
  const unknown = measurements.find(({ section }) => !SECTIONS.includes(section));
  if (unknown !== undefined) throw new Error(`The report has no section "${unknown.section}".`);
  return SECTIONS.map((section) => {
    const rows = grouped(
      measurements.filter((measurement) => measurement.section === section),
      ({ feature, against, isInRepository }) => JSON.stringify([feature, against, isInRepository]),
    );
    if (rows.length === 0) return '';
    const head = ['Feature', 'Compared with', 'Data', 'Comparisons', 'Largest error', 'Limit'];
    const lines = [head, head.map(() => '---'), ...rows.map(rowOf)];
    return `## ${section}\n\n${lines.map((cells) => `| ${cells.join(' | ')} |\n`).join('')}`;
  })
    .filter((text) => text !== '')
    .join('\n');
}

/** One row: a measure for each unit and limit. */
function rowOf(/** @type {Measurement[]} */ measurements) {
  const { feature, against, isInRepository } = measurements[0];
  const measures = grouped(measurements, ({ unit, limit }) => JSON.stringify([order(unit), limit]));
  const written = (number, unit) => UNITS[unit](twoDigits(number));
  const cells = measures.map((measure) => {
    const { unit, limit } = measure[0];
    const largest = Math.max(...measure.map(({ error }) => error));
    return { count: measure.length, error: written(largest, unit), limit: written(limit, unit) };
  });
  return [
    feature,
    against,
    isInRepository ? 'here' : 'elsewhere',
    Math.max(...cells.map(({ count }) => count)),
    cells.map(({ error }) => error).join('; '),
    cells.map(({ limit }) => limit).join('; '),
  ];
}

const order = (unit) => Object.keys(UNITS).indexOf(unit);

/** In the order of their keys. */
function grouped(items, keyOf) {
  const groups = new Map();
  for (const item of items) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => group);
}

/** So that what is only rounding does not change the report. */
function twoDigits(number) {
  const rounded = Number(number.toPrecision(2));
  if (rounded === 0 || rounded >= 1e-3) return String(rounded);
  return rounded.toExponential(1).replace('.0e', 'e');
}

/** Lowest minor version of each major that all parts of Atelier run on; a major that is not listed is not supported. */
const LOWEST_MINOR = new Map([
  [20, 19],
  [22, 13],
]);
const NEWEST_FROM = 24;

/**
 * Says whether this Node can run Atelier. Keep this file readable by old Nodes.
 * @param {string} version e.g. `20.19.4`
 * @returns {string | null} A sentence, or null if all is well.
 */
export function nodeProblem(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const lowest = LOWEST_MINOR.get(major);
  if (major >= NEWEST_FROM || (lowest !== undefined && minor >= lowest)) return null;
  return `Atelier needs Node 20.19 or newer (20.19+, 22.13+ or 24+) but this is Node ${version}: install the LTS version from https://nodejs.org and start again.`;
}

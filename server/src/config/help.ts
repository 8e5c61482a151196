import { checkoutRoot } from './checkout.ts';
import { startOptions, variableOf, type Option } from './options.ts';

/** The text of `--help`. */
export function helpText(root = checkoutRoot()): string {
  const rows = Object.values(startOptions(root)).map(describe);
  const width = Math.max(...rows.map(([left]) => left.length));
  return [
    'Atelier: a self-hosted Stable Diffusion studio.',
    '',
    'Usage: npm start -- [options]',
    '',
    ...rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`),
    `  ${'--help'.padEnd(width)}  Show this text.`,
    `  ${'--version'.padEnd(width)}  Show the version.`,
    '',
    'Each option can also be set by a variable, e.g. ATELIER_PORT for --port; .env.example lists them. A flag wins.',
    '',
  ].join('\n');
}

function describe({ flag, value, about, shownDefault }: Option<unknown>): [left: string, right: string] {
  const left = value === null ? `--${flag}` : `--${flag} ${value}`;
  const isShown = value !== null && shownDefault !== '';
  return [left, isShown ? `${about} [${shownDefault}]` : about];
}

/** The text of .env.example: every variable with its meaning and default. */
export function environmentExample(root = checkoutRoot()): string {
  const head =
    '# Copy to .env, or set in the environment, which wins over .env; flags of `npm start --` win over both.\n';
  const rows = Object.values(startOptions(root)).map(
    ({ flag, about, shownDefault, isRepeatable }) =>
      `# ${about}${isRepeatable ? ' Separate several by commas.' : ''}\n#${variableOf(flag)}=${shownDefault}\n`,
  );
  return [head, ...rows].join('\n');
}

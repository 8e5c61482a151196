import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { SetupError } from './failure.mjs';
import { findOnPath } from './find-program.mjs';
import { runTool } from './run-tool.mjs';

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
  'msedge',
];

/** Where browsers lie that are not on the PATH. */
function usualPlaces() {
  const programs = [
    process.env['PROGRAMFILES'],
    process.env['PROGRAMFILES(X86)'],
    process.env['LOCALAPPDATA'],
  ];
  return [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
    '/usr/lib/chromium/chromium',
    '/opt/google/chrome/chrome',
    ...programs.flatMap((folder) =>
      folder === undefined
        ? []
        : [
            join(folder, 'Google', 'Chrome', 'Application', 'chrome.exe'),
            join(folder, 'Microsoft', 'Edge', 'Application', 'msedge.exe'),
          ],
    ),
  ];
}

/**
 * A Chromium-like browser for the end-to-end tests: ATELIER_BROWSER, else the PATH, else the usual places.
 * @returns {string | null} Its path.
 * @throws {SetupError} if ATELIER_BROWSER names something that cannot be run.
 */
export function findBrowser() {
  const chosen = process.env['ATELIER_BROWSER'];
  if (chosen !== undefined && chosen !== '') {
    const found = findOnPath(chosen);
    if (found !== null) return found;
    throw new SetupError(
      `ATELIER_BROWSER is "${chosen}", which cannot be run: set it to the path of a Chromium or Chrome.`,
    );
  }
  for (const name of NAMES) {
    const found = findOnPath(name);
    if (found !== null) return found;
  }
  return usualPlaces().find((path) => existsSync(path)) ?? null;
}

/** Whether Debian's own Chromium can be installed by us without asking. */
export function canInstallBrowser() {
  return process.platform === 'linux' && process.getuid?.() === 0 && findOnPath('apt-get') !== null;
}

/** @returns {Promise<string>} Path of the browser that Debian's package manager installed. */
export async function installBrowser() {
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  const update = await runTool('apt-get', ['update'], { cwd: '/', env });
  const args = ['install', '-y', '--no-install-recommends', 'chromium', 'fonts-dejavu-core'];
  const install = await runTool('apt-get', args, { cwd: '/', env });
  const found = install.code === 0 ? findBrowser() : null;
  if (found !== null) return found;
  throw new SetupError(browserAdvice(), { output: update.output + install.output });
}

/** @returns {string} */
export function browserAdvice() {
  return 'The end-to-end tests need a browser and none was found: install Chromium or Chrome (Debian: sudo apt-get install chromium), or set ATELIER_BROWSER to its path.';
}

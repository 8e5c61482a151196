import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SetupError } from './failure.mjs';
import { runTool } from './run-tool.mjs';
import { missingTools, toolchainAdvice } from './toolchain.mjs';

/** Written into node_modules after a complete install, so it goes when they go. */
const STAMP = join('node_modules', '.atelier-install');

/**
 * What the installed packages depend on: the lock file, and the Node whose native modules they hold.
 * @param {string} root
 */
function wanted(root) {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return `${lock} ${process.platform}-${process.arch}-${process.versions.modules}`;
}

/**
 * @param {string} root
 * @returns {boolean} Whether node_modules are there and belong to this lock file and this Node.
 */
export function isInstalled(root) {
  try {
    return readFileSync(join(root, STAMP), 'utf8') === wanted(root);
  } catch {
    return false;
  }
}

/**
 * Whether packages that somebody installed by hand (`npm install`) are the very ones of the lock file.
 * @param {string} root
 * @returns {boolean}
 */
export function agreesWithLock(root) {
  try {
    const lock = packagesOf(join(root, 'package-lock.json'));
    const installed = packagesOf(join(root, 'node_modules', '.package-lock.json'));
    return Object.entries(lock).every(([path, { version, link, optional }]) => {
      if (!path.includes('node_modules/') || link) return true;
      const found = installed[path];
      return found === undefined ? optional === true : found.version === version;
    });
  } catch {
    return false;
  }
}

/**
 * @param {string} file
 * @returns {Record<string, { version?: string, link?: boolean, optional?: boolean }>}
 */
function packagesOf(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/**
 * Takes over packages that are right already, else installs the lock file's with `npm ci`.
 * @param {string} root
 * @throws {SetupError} with what to do, if npm fails.
 */
export async function install(root) {
  if (agreesWithLock(root) && (await nativeModulesLoad(root))) return stamp(root);
  const { program, args } = npmCommand();
  const { code, output } = await runTool(program, [...args, 'ci', '--no-audit', '--no-fund'], {
    cwd: root,
    env: { JOBS: 'max', ...nodeHeaders() },
  });
  if (code !== 0) throw new SetupError(installAdvice(output, missingTools()), { output });
  if (!(await nativeModulesLoad(root))) {
    throw new SetupError(
      'better-sqlite3 was installed without its native part: allow install scripts (npm config delete ignore-scripts), delete node_modules and start again.',
      { output },
    );
  }
  stamp(root);
}

/** @param {string} root */
function stamp(root) {
  writeFileSync(join(root, STAMP), wanted(root));
}

/**
 * Opens a database in a process of its own: a native module of another Node version can crash.
 * @param {string} root
 */
async function nativeModulesLoad(root) {
  const { code } = await runTool(
    process.execPath,
    ['-e', "new (require('better-sqlite3'))(':memory:').close()"],
    {
      cwd: root,
    },
  );
  return code === 0;
}

/**
 * Says in one sentence why `npm ci` failed and what to do.
 * @param {string} output What npm printed.
 * @param {readonly string[]} missing Build tools that are not there.
 * @returns {string}
 */
export function installAdvice(output, missing) {
  if (/\b(EACCES|EPERM|EROFS)\b/.test(output)) {
    return 'npm may not write here: move Atelier to a folder that you own, or take the folder over (on Linux and macOS: sudo chown -R "$USER" <folder>).';
  }
  if (/\bENOSPC\b/.test(output)) return 'The disk is full: free about 2 GB and start again.';
  if (/\bEUSAGE\b/.test(output)) {
    return 'package.json and package-lock.json do not belong together: run npm install (or undo your change to either) and start again.';
  }
  if (/node-gyp|gyp ERR|prebuild-install/.test(output)) {
    return missing.length > 0
      ? toolchainAdvice(missing)
      : 'The database module (better-sqlite3) could not be compiled: npm says why above.';
  }
  if (
    /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ERR_SOCKET_TIMEOUT)\b/.test(
      output,
    )
  ) {
    return 'npm could not reach its registry: connect to the network (behind a proxy: npm config set https-proxy <address>) and start again; later starts need no network.';
  }
  return 'npm could not install the packages: it says why above.';
}

/**
 * The npm that belongs to this Node: the one that started us, else the one beside it, else the one on the PATH.
 * @returns {{ program: string, args: string[] }}
 */
export function npmCommand() {
  const beside = dirname(process.execPath);
  const scripts = [
    process.env['npm_execpath'] ?? '',
    join(beside, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(beside, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ];
  const script = scripts.find((path) => path.endsWith('npm-cli.js') && existsSync(path));
  return script === undefined ? { program: 'npm', args: [] } : { program: process.execPath, args: [script] };
}

/**
 * Points node-gyp to the headers that came with this Node, so that compiling downloads nothing.
 * @returns {NodeJS.ProcessEnv}
 */
function nodeHeaders() {
  const prefix = dirname(dirname(process.execPath));
  const header = join(prefix, 'include', 'node', 'node_version.h');
  if (process.env['npm_config_nodedir'] !== undefined || !existsSync(header)) return {};
  const text = readFileSync(header, 'utf8');
  const version = ['MAJOR', 'MINOR', 'PATCH'].map(
    (part) => new RegExp(`NODE_${part}_VERSION (\\d+)`).exec(text)?.[1],
  );
  if (version.join('.') !== process.versions.node) return {};
  return { npm_config_nodedir: prefix, npm_package_config_node_gyp_nodedir: prefix };
}

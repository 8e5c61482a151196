import { findOnPath } from './find-program.mjs';

/** Each tool that compiles a native module, with the programs that can play its part. */
const TOOLS = [
  { name: 'a C++ compiler', programs: [process.env['CXX'] ?? '', 'g++', 'c++', 'clang++'] },
  { name: 'make', programs: ['make', 'gmake'] },
  { name: 'Python 3', programs: [process.env['PYTHON'] ?? '', 'python3', 'python'] },
];

/**
 * Build tools that are not on the PATH. Windows keeps its compilers elsewhere, so nothing is said of them there.
 * @param {(program: string) => string | null} [find]
 * @param {NodeJS.Platform} [platform]
 * @returns {string[]}
 */
export function missingTools(find = findOnPath, platform = process.platform) {
  const tools = platform === 'win32' ? TOOLS.filter((tool) => tool.name === 'Python 3') : TOOLS;
  return tools
    .filter(({ programs }) => !programs.some((program) => program !== '' && find(program)))
    .map((t) => t.name);
}

/**
 * @param {readonly string[]} missing
 * @param {NodeJS.Platform} [platform]
 * @returns {string} One sentence that says how to get the tools.
 */
export function toolchainAdvice(missing, platform = process.platform) {
  /** @type {Partial<Record<NodeJS.Platform, string>>} */
  const commands = {
    linux:
      'sudo apt-get install -y g++ make python3 (Debian, Ubuntu) or sudo dnf install gcc-c++ make python3 (Fedora)',
    darwin: 'xcode-select --install',
    win32:
      'winget install Microsoft.VisualStudio.2022.BuildTools Python.Python.3.12 (choose "Desktop development with C++")',
  };
  const command = commands[platform] ?? 'your package manager for g++, make and python3';
  const list = new Intl.ListFormat('en').format(missing);
  return `The database module must be compiled here and ${list} ${missing.length > 1 ? 'are' : 'is'} missing: run ${command}, then start again.`;
}

import { spawn } from 'node:child_process';

/**
 * Runs a program to its end with its output kept. It is stopped when this process is told to stop.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {{ cwd: string, env?: NodeJS.ProcessEnv, show?: boolean }} options `show` passes output through instead.
 * @returns {Promise<{ code: number, output: string }>}
 */
export function runTool(program, args, { cwd, env, show = false }) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd,
      env: { ...process.env, ...env },
      stdio: show ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      // npm is a .cmd file on Windows, which only a shell can start.
      shell: process.platform === 'win32' && !program.endsWith('.exe'),
      windowsHide: true,
    });
    let output = '';
    const keep = (/** @type {Buffer} */ chunk) => (output += chunk.toString());
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const stop = (/** @type {NodeJS.Signals} */ signal) => {
      child.kill(signal);
      process.exit(signal === 'SIGINT' ? 130 : 143);
    };
    process.once('SIGINT', stop).once('SIGTERM', stop);
    const finish = (/** @type {number} */ code, /** @type {string} */ extra) => {
      process.off('SIGINT', stop).off('SIGTERM', stop);
      resolve({ code, output: output + extra });
    };
    child.on('error', (error) => finish(127, error.message));
    child.on('close', (code) => finish(code ?? 1, ''));
  });
}

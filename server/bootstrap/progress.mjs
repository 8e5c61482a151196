const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];
const FRAME_MS = 100;
const HEARTBEAT_MS = 30_000;

/** @param {number} ms */
export function inWords(ms) {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
}

/**
 * Runs one phase of set-up under a line that shows how long it takes: live on a terminal, else one line at
 * its start, one now and then, and one at its end.
 * @template T
 * @param {string} title e.g. `Installing packages`
 * @param {() => Promise<T>} run
 * @param {NodeJS.WriteStream} [out]
 * @returns {Promise<T>}
 */
export async function phase(title, run, out = process.stderr) {
  const started = Date.now();
  const elapsed = () => inWords(Date.now() - started);
  let frame = 0;
  const timer = out.isTTY
    ? setInterval(() => out.write(`\r${FRAMES[frame++ % FRAMES.length]} ${title} … ${elapsed()} `), FRAME_MS)
    : setInterval(() => out.write(`  … ${elapsed()}\n`), HEARTBEAT_MS);
  if (!out.isTTY) out.write(`${title} …\n`);
  const end = (/** @type {string} */ mark, /** @type {string} */ verb) => {
    clearInterval(timer);
    out.write(out.isTTY ? `\r\x1b[K${mark} ${title} (${elapsed()})\n` : `  ${verb} ${elapsed()}\n`);
  };
  try {
    const result = await run();
    end('✓', 'done in');
    return result;
  } catch (error) {
    end('✗', 'failed after');
    throw error;
  }
}

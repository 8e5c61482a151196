import { mkdirSync, readFileSync, rmdirSync, statSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';

const HEARTBEAT_MS = 2_000;
const STALE_MS = 30_000;
const POLL_MS = 250;

/**
 * Runs `work` while no other process on this machine does, so that two starts at once set up only once.
 * The lock is a file with the holder's name, touched while held; one whose holder is gone is taken over.
 * @template T
 * @param {string} path
 * @param {() => Promise<T>} work
 * @param {(holder: string) => void} [onWait] Called once if somebody else holds it.
 * @returns {Promise<T>}
 */
export async function withLock(path, work, onWait) {
  let told = false;
  while (!tryTake(path)) {
    if (isAbandoned(path)) removeAbandoned(path);
    else {
      if (!told) onWait?.(readHolder(path));
      told = true;
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  }
  const heartbeat = setInterval(() => touch(path), HEARTBEAT_MS);
  const release = () => {
    clearInterval(heartbeat);
    remove(path);
  };
  process.once('exit', release);
  try {
    return await work();
  } finally {
    process.off('exit', release);
    release();
  }
}

/** @param {string} path */
function tryTake(path) {
  try {
    writeFileSync(path, `${process.pid}@${hostname()}`, { flag: 'wx' });
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** @param {string} path */
function isAbandoned(path) {
  const holder = readHolder(path);
  const [pid, host] = holder.split('@');
  try {
    if (Date.now() - statSync(path).mtimeMs > STALE_MS) return true;
  } catch {
    return false; // released in between
  }
  if (host !== hostname() || !/^\d+$/.test(pid ?? '')) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return hasCode(error, 'ESRCH');
  }
}

/**
 * Removes an abandoned lock, one process at a time, so that nobody removes a lock that was just taken anew.
 * @param {string} path
 */
function removeAbandoned(path) {
  const guard = `${path}.takeover`;
  try {
    mkdirSync(guard);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw error;
    if (Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Infinity) > STALE_MS)
      removeGuard(guard);
    return;
  }
  try {
    if (isAbandoned(path)) remove(path);
  } finally {
    removeGuard(guard);
  }
}

/** @param {string} path */
function readHolder(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // released in between
  }
}

/** @param {string} path */
function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // the folder vanished under us; the work itself will say so
  }
}

/** @param {string} path */
function remove(path) {
  try {
    unlinkSync(path);
  } catch {
    // somebody else removed it
  }
}

/** @param {string} guard */
function removeGuard(guard) {
  try {
    rmdirSync(guard);
  } catch {
    // somebody else removed it
  }
}

/**
 * @param {unknown} error
 * @param {string} code
 */
function hasCode(error, code) {
  return error instanceof Error && 'code' in error && error.code === code;
}

import { mkdir, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Config } from '../../../config/config.ts';
import type { Finding } from '../finding.ts';

const GIB = 2 ** 30;
/** A few thousand pictures, or one more checkpoint. */
const COMFORTABLE_BYTES = 5 * GIB;

export async function checkFolders({ modelsDir, outputsDir, dataDir, limits }: Config): Promise<Finding[]> {
  return [
    await checkWriting('outputs', outputsDir),
    await checkWriting('data', dataDir),
    await checkReading('models', modelsDir),
    await checkSpace(outputsDir, limits.minFreeBytes),
  ];
}

async function checkWriting(subject: string, folder: string): Promise<Finding> {
  const probe = join(folder, `.${randomUUID()}.tmp`);
  try {
    await mkdir(folder, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
    return { level: 'ok', subject, text: folder };
  } catch (error) {
    const advice = `Give yourself the right to write there, or start with --${subject} and another folder.`;
    return { level: 'fail', subject, text: `${folder} cannot be written: ${codeOf(error)}`, advice };
  }
}

async function checkReading(subject: string, folder: string): Promise<Finding> {
  const isFolder = await stat(folder).then(
    (facts) => facts.isDirectory(),
    () => false,
  );
  if (isFolder) return { level: 'ok', subject, text: folder };
  const advice = `Make it, with checkpoints/ inside, or start with --${subject} and another folder.`;
  return { level: 'fail', subject, text: `${folder} is not a folder`, advice };
}

async function checkSpace(folder: string, leastBytes: number): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearestFolder(folder));
  const free = bavail * bsize;
  const text = `${(free / GIB).toFixed(1)} GiB free for pictures`;
  const advice = 'Delete what you do not need, or start with --outputs and a folder on another disk.';
  if (free < leastBytes) {
    return { level: 'fail', subject: 'disk', text: `${text}; new jobs are refused`, advice };
  }
  return free < COMFORTABLE_BYTES
    ? { level: 'warn', subject: 'disk', text, advice }
    : { level: 'ok', subject: 'disk', text };
}

async function nearestFolder(folder: string): Promise<string> {
  const isThere = await stat(folder).then(
    () => true,
    () => false,
  );
  return isThere || dirname(folder) === folder ? folder : nearestFolder(dirname(folder));
}

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : String(error);

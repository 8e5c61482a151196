import type { ModelView } from '@atelier/contract';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readConfig } from '../../config/read-config.ts';
import { checkFolders } from './checks/folders.ts';
import { checkMemory, checkProcessor } from './checks/machine.ts';
import { modelFindings } from './checks/models.ts';
import { checkPort } from './checks/port.ts';
import { report, type Finding } from './finding.ts';

let folder = '';
beforeEach(async () => (folder = await mkdtemp(join(tmpdir(), 'atelier-doctor-'))));
afterEach(() => rm(folder, { recursive: true }));

const levels = (findings: readonly Finding[]): Record<string, string> =>
  Object.fromEntries(findings.map(({ subject, level }) => [subject, level]));

describe('the report', () => {
  const ok: Finding = { level: 'ok', subject: 'Node', text: '20' };
  const warn: Finding = { level: 'warn', subject: 'memory', text: '1 GiB', advice: 'Close programs.' };
  const fail: Finding = { level: 'fail', subject: 'disk', text: 'full' };

  it('has a line for each finding, its advice below, and a verdict', () => {
    const text =
      'ok    Node    20\nwarn  memory  1 GiB\n              → Close programs.\nFAIL  disk    full\n';
    expect(report([ok, warn, fail])).toBe(`${text}\n1 of 3 checks failed.\n`);
  });

  it('tells warnings from failures', () => {
    expect(report([ok])).toContain('All is well.');
    expect(report([ok, warn])).toContain('Atelier works here; 1 of 2 checks gave a warning.');
  });
});

describe('folders', () => {
  const config = (outputs: string, models: string) =>
    readConfig(
      ['--outputs', outputs, '--models', models, '--data', join(folder, 'data'), '--min-free-mib', '0'],
      {},
    );

  it('are fine if they can be written, and are made if they are not there', async () => {
    const findings = await checkFolders(config(join(folder, 'outputs'), folder));
    expect(levels(findings)).toMatchObject({ outputs: 'ok', data: 'ok', models: 'ok' });
  });

  it('fail where a file is in the way', async () => {
    await writeFile(join(folder, 'file'), '');
    const findings = await checkFolders(config(join(folder, 'file'), join(folder, 'file')));
    expect(levels(findings)).toMatchObject({ outputs: 'fail', models: 'fail', data: 'ok' });
  });

  it('fail on a disk with less space than jobs need', async () => {
    const full = {
      ...config(folder, folder),
      limits: { ...config(folder, folder).limits, minFreeBytes: 2 ** 60 },
    };
    expect(levels(await checkFolders(full))).toMatchObject({ disk: 'fail' });
  });
});

describe('the address', () => {
  it('is in use while another program listens there, and free after', async () => {
    const other = createServer((socket) => socket.resume().end('220 not a web server\r\n'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const config = readConfig(['--port', String(port)], {});
    expect(await checkPort(config)).toMatchObject([
      { level: 'fail', text: `127.0.0.1:${port} is in use by another program` },
    ]);
    await new Promise((resolve) => other.close(resolve));
    expect(await checkPort(config)).toMatchObject([{ level: 'ok' }]);
  });
});

describe('the machine', () => {
  it('gets a warning without vector instructions, where they are known', () => {
    expect(checkProcessor(new Set(['sse2'])).level).toBe('warn');
    expect(checkProcessor(new Set(['avx2', 'fma'])).level).toBe('ok');
    expect(checkProcessor(null).level).toBe('ok');
  });

  it.each([
    [1, 'warn', 'small model may not fit'],
    [4, 'warn', 'starter model'],
    [16, 'ok', undefined],
  ])('with %i GiB free', (free, level, advice) => {
    const finding = checkMemory(32 * 2 ** 30, free * 2 ** 30);
    expect(finding.level).toBe(level);
    expect(finding.advice ?? '').toContain(advice ?? '');
  });
});

describe('models', () => {
  const model = (name: string, detail?: string): ModelView => ({
    ...{ name, fileName: `${name}.safetensors`, title: name, family: 'sd1', sizeBytes: 1, shortHash: null },
    ...{ description: null, usageHint: null, licence: null, samplePrompts: [], defaults: {} },
    problem: detail === undefined ? null : { type: 'model-invalid', detail, hint: 'Download it again.' },
  });

  it('are named, and each broken one has its reason', () => {
    expect(modelFindings([model('a'), model('b', 'It is cut.'), model('c')], 'models')).toEqual([
      { level: 'ok', subject: 'checkpoints', text: 'a, c' },
      {
        level: 'warn',
        subject: 'checkpoint',
        text: 'b.safetensors: It is cut.',
        advice: 'Download it again.',
      },
    ]);
  });

  it('fail if none can be used', () => {
    expect(modelFindings([model('b', 'It is cut.')], 'models')[0]?.level).toBe('fail');
  });
});

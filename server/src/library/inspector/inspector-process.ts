import { EngineError, inspectCheckpoint } from '@atelier/engine';
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { constants, setPriority } from 'node:os';
import { basename } from 'node:path';
import type { InspectorAnswer, InspectorReply, InspectorRequest } from './messages.ts';

/*
 * Entry of the process that reads foreign model files, so that no file can harm the server. It is forked by
 * `startInspector` and ends when the server ends or lets go of it.
 */

const CHUNK_BYTES = 2 ** 20;

setPriority(constants.priority.PRIORITY_BELOW_NORMAL); // drawing comes first
process.on('disconnect', () => process.exit(0));
process.on('message', (request: InspectorRequest) => {
  const work = request.task === 'inspect' ? inspect(request.path) : hash(request.path);
  void work
    .catch((error: unknown) => asProblem(error, request.path))
    .then((answer) => reply({ id: request.id, answer }));
});

async function inspect(path: string): Promise<InspectorAnswer> {
  const { family, title, description, usageHint, licence, samplePrompts, defaults } =
    await inspectCheckpoint(path);
  return {
    card: { family, title, description, usageHint, licence, samplePrompts, defaults: { ...defaults } },
  };
}

async function hash(path: string): Promise<InspectorAnswer> {
  const digest = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }))
    digest.update(chunk as Buffer);
  return { sha256: digest.digest('hex') };
}

function asProblem(error: unknown, path: string): InspectorAnswer {
  const isKnown = error instanceof EngineError;
  const message = error instanceof Error ? error.message : String(error);
  return {
    problem: {
      type: isKnown ? error.code : 'model-invalid',
      detail: message.replaceAll(path, basename(path)), // people see names, not where the server keeps them
      hint: (isKnown ? error.hint : undefined) ?? null,
    },
  };
}

function reply(message: InspectorReply): void {
  if (process.connected) process.send?.(message);
}

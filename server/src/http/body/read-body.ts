import type { IncomingMessage } from 'node:http';
import { AppError } from '../../errors.ts';

const MAX_BODY_BYTES = 2 ** 20;

/**
 * Reads a whole body, counting its bytes as they arrive: whatever its framing, it is refused as soon as it is too
 * large. What still comes after that is for the caller to cut off.
 * @throws AppError `too-large`; `malformed-json` if it ends early.
 */
export async function readBody(req: IncomingMessage, maxBytes = MAX_BODY_BYTES): Promise<Buffer> {
  const tooLarge = (): AppError =>
    new AppError('too-large', { detail: `The body may have at most ${maxBytes} bytes.` });
  if (Number(req.headers['content-length'] ?? 0) > maxBytes) throw tooLarge();
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const settle = (then: () => void): void => {
      req.off('data', onData).off('end', onEnd).off('close', onClose);
      then();
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > maxBytes) settle(() => reject(tooLarge()));
      else chunks.push(chunk);
    };
    const onEnd = (): void => settle(() => resolve(Buffer.concat(chunks)));
    const onClose = (): void => settle(() => reject(endedEarly()));
    req.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}

const endedEarly = (): AppError => new AppError('malformed-json', { detail: 'The body ended early.' });

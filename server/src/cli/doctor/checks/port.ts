import { createServer } from 'node:net';
import { hostAndPort } from '../../../config/addresses.ts';
import type { Config } from '../../../config/config.ts';
import type { Finding } from '../finding.ts';

export async function checkPort({ host, port }: Config): Promise<Finding[]> {
  const subject = 'address';
  const address = hostAndPort(host, port);
  const code = await listenOnce(host, port);
  if (code === null) return [{ level: 'ok', subject, text: `${address} is free` }];
  if (code === 'EADDRINUSE' && (await isAtelier(address))) {
    return [{ level: 'ok', subject, text: `Atelier is running at http://${address}` }];
  }
  const text =
    code === 'EADDRINUSE' ? `${address} is in use by another program` : `${address} cannot be used: ${code}`;
  return [{ level: 'fail', subject, text, advice: 'Start with another one: npm start -- --port 7861' }];
}

/** @returns what keeps a server from listening there, or null. */
function listenOnce(host: string, port: number): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(null)));
  });
}

/** Whether what answers there is one of ours. */
async function isAtelier(address: string): Promise<boolean> {
  try {
    const answer = await fetch(`http://${address}/healthz/live`, { signal: AbortSignal.timeout(3_000) });
    return answer.ok && (answer.headers.get('content-type') ?? '').includes('json');
  } catch {
    return false;
  }
}

import type { JobPreview } from '@atelier/contract';
import { describe, expect, it } from 'vitest';
import { PreviewFeed } from './preview-feed.ts';

/** A reader that takes one preview at a time. */
function slowReader(): { feed: PreviewFeed; got: string[]; drain: () => void } {
  const got: string[] = [];
  let isFree = true;
  let free = (): void => undefined;
  const feed = new PreviewFeed({
    isFree: () => isFree,
    send: ({ jobId, step }) => {
      isFree = false;
      got.push(`${jobId}${step}`);
    },
    onFree: (callback) => {
      free = callback;
    },
  });
  const drain = (): void => {
    isFree = true;
    free();
  };
  return { feed, got, drain };
}

const preview = (jobId: string, step: number): JobPreview => ({
  jobId,
  image: 0,
  step,
  seq: step,
  mime: 'image/webp',
  data: new ArrayBuffer(0),
});

describe('PreviewFeed', () => {
  it('sends at once to a reader that keeps up', () => {
    const { feed, got, drain } = slowReader();
    for (const step of [1, 2, 3]) {
      feed.offer(preview('a', step));
      drain();
    }
    expect(got).toEqual(['a1', 'a2', 'a3']);
  });

  it('sends only the newest to a slow one, and that one for sure', () => {
    const { feed, got, drain } = slowReader();
    for (let step = 1; step <= 100; step++) feed.offer(preview('a', step));
    drain();
    drain();
    expect(got).toEqual(['a1', 'a100']);
  });

  it('keeps one for each job', () => {
    const { feed, got, drain } = slowReader();
    for (let step = 1; step <= 3; step++) for (const job of ['a', 'b']) feed.offer(preview(job, step));
    for (let i = 0; i < 5; i++) drain();
    expect(got[0]).toBe('a1');
    expect(got.slice(1).sort()).toEqual(['a3', 'b3']);
  });

  it('sends nothing of a job that has ended', () => {
    const { feed, got, drain } = slowReader();
    feed.offer(preview('a', 1));
    feed.offer(preview('a', 2));
    feed.forget('a');
    drain();
    expect(got).toEqual(['a1']);
  });
});

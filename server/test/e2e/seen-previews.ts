import type { Page } from 'playwright-core';

interface Watching {
  previews: string[];
  finals: number;
}

/**
 * Notes from now on what the stage shows: each preview by its pixels, and when a finished picture stood there.
 * Ends with the page; a reload needs a new call.
 */
export async function watchStage(page: Page): Promise<() => Promise<Watching>> {
  await page.evaluate(() => {
    const seen = { previews: [] as string[], finals: 0 };
    Object.assign(window, { seen });
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 24;
    const pixels = (image: HTMLImageElement): string => {
      const context = canvas.getContext('2d', { willReadFrequently: true });
      context?.drawImage(image, 0, 0, 24, 24);
      return context?.getImageData(0, 0, 24, 24).data.join() ?? '';
    };
    const look = (): void => {
      for (const image of document.querySelectorAll<HTMLImageElement>('section[aria-label="Picture"] img')) {
        if (!image.complete || image.naturalWidth === 0) continue;
        if (image.alt.startsWith('Preview')) {
          const shown = pixels(image);
          if (seen.finals === 0 && !seen.previews.includes(shown)) seen.previews.push(shown);
        } else if (image.src.includes('/api/v1/images/')) seen.finals++;
      }
      requestAnimationFrame(look);
    };
    look();
  });
  return () => page.evaluate(() => (window as unknown as { seen: Watching }).seen);
}

import type { JobProgress } from '@atelier/contract';

/** `8 s`, `1 min 20 s`, `2 h 5 min`; whole seconds, never less than 1 s. */
export function duration(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return seconds % 60 === 0 ? `${minutes} min` : `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `812 kB`, `1.9 GB`: powers of 1000, as file managers and model pages show them. */
export function bytes(count: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = count;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 1 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export const size = ({ width, height }: { width: number; height: number }): string => `${width} × ${height}`;

/** What a running job is busy with, in words. */
export function stageText({ stage, step, steps }: JobProgress): string {
  switch (stage) {
    case 'loading':
      return 'Loading the model';
    case 'encoding':
      return 'Reading the prompt';
    case 'sampling':
      return `Step ${step} of ${steps}`;
    case 'decoding':
      return 'Finishing the picture';
    case 'saving':
      return 'Saving';
  }
}

export const percent = (fraction: number): number => Math.round(fraction * 100);

/** `today 14:05`, `yesterday 09:30`, else the date, in the reader's language for the date. */
export function moment(iso: string, now: Date): string {
  const then = new Date(iso);
  const time = then.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' });
  const days = Math.round((startOfDay(now) - startOfDay(then)) / 86_400_000);
  if (days === 0) return `today ${time}`;
  if (days === 1) return `yesterday ${time}`;
  return `${then.toLocaleDateString(undefined, { dateStyle: 'medium' })} ${time}`;
}

const startOfDay = (date: Date): number =>
  new Date(date.getFullYear(), date.getMonth(), date.getDate()).getTime();

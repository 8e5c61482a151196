import { ApiError } from '../api/api-error.ts';

export interface Toast {
  readonly id: number;
  readonly kind: 'error' | 'info';
  readonly title: string;
  readonly detail: string | null;
  readonly hint: string | null;
}

const SHOWN = 3;
/** Information goes by itself. */
const INFO_MS = 4000;
/** So does what can be read elsewhere too; another error stays until it is read away. */
const NOTED_MS = 12_000;

/** Short notices in a corner of the page. The same notice twice is shown once. */
export class Toasts {
  list = $state.raw<readonly Toast[]>([]);
  #next = 0;

  info(title: string): void {
    this.#add({ kind: 'info', title, detail: null, hint: null }, INFO_MS);
  }

  error(title: string, detail: string | null = null, hint: string | null = null): void {
    this.#add({ kind: 'error', title, detail, hint });
  }

  /** An error that stays to be read elsewhere, as that of a job does in the queue. */
  noted(title: string, detail: string, hint: string | null): void {
    this.#add({ kind: 'error', title, detail, hint }, NOTED_MS);
  }

  /** Says what an API call died of. */
  failure(error: unknown): void {
    if (error instanceof ApiError) this.error(error.title, error.message, error.hint);
    else this.error('Something went wrong here', error instanceof Error ? error.message : String(error));
  }

  dismiss(id: number): void {
    this.list = this.list.filter((toast) => toast.id !== id);
  }

  /** Something worked: older errors are history. */
  clearErrors(): void {
    this.list = this.list.filter((toast) => toast.kind !== 'error');
  }

  #add(toast: Omit<Toast, 'id'>, lastsMs?: number): void {
    const id = this.#next++;
    const others = this.list.filter((old) => old.title !== toast.title || old.detail !== toast.detail);
    this.list = [...others, { ...toast, id }].slice(-SHOWN);
    if (lastsMs !== undefined) setTimeout(() => this.dismiss(id), lastsMs);
  }
}

/** What jsdom lacks of a browser and the page uses. Import it first. */
import { vi } from 'vitest';

vi.stubGlobal('matchMedia', () => ({
  matches: false,
  addEventListener: () => {},
  removeEventListener: () => {},
}));
URL.createObjectURL = () => 'blob:test';
URL.revokeObjectURL = () => {};
HTMLImageElement.prototype.decode = () => Promise.resolve();
Element.prototype.checkVisibility = () => true;
Element.prototype.animate = () => ({ cancel: () => {}, finished: Promise.resolve() }) as unknown as Animation;
HTMLDialogElement.prototype.showModal = function () {
  this.open = true;
};
HTMLDialogElement.prototype.close = function () {
  this.open = false;
};

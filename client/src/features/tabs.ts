import type { Component } from 'svelte';
import TextToImage from './txt2img/TextToImage.svelte';

export interface Tab {
  readonly id: string;
  readonly title: string;
  readonly view: Component;
}

/** The studio's rooms, in the order of the tab bar. A new one is a folder beside this file and a line here. */
export const TABS = [
  { id: 'txt2img', title: 'Text to image', view: TextToImage },
] as const satisfies readonly Tab[];

import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

const server = process.env.ATELIER_SERVER ?? 'http://127.0.0.1:7860';

export default defineConfig({
  plugins: [svelte()],
  resolve: { conditions: ['atelier-source', 'svelte', 'browser', 'module', 'import', 'default'] },
  // Every asset is a file of its own: the page's policy allows no data: fonts and no inline scripts.
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: 'es2023',
    reportCompressedSize: true,
  },
  // `npm run dev --workspace client` beside a running server.
  server: {
    proxy: {
      '/api': { target: server, changeOrigin: true },
      '/socket.io': { target: server, changeOrigin: true, ws: true },
    },
  },
});

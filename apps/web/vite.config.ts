import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

export default defineConfig({
  plugins: [react()],
  build: {
    // A data: URL would need a hole in the Content-Security-Policy.
    assetsInlineLimit: 0,
    // Every browser with `EventSource` over HTTP/2 and native modules preloads by itself.
    modulePreload: { polyfill: false },
  },
  // `npm start` listens there; the page under development talks to it.
  server: { proxy: { '/api': 'http://127.0.0.1:8080' } },
});

/** Serves the built page: hashed assets for a year, the page itself always asked for anew. */
import { join } from 'node:path';
import express, { type RequestHandler, Router } from 'express';

const CONTENT_SECURITY_POLICY =
  "default-src 'self'; img-src 'self' data:; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

export const webPage = (webDir: string): Router => {
  const page: RequestHandler = (_request, response) => {
    response.set({ 'Content-Security-Policy': CONTENT_SECURITY_POLICY, 'Cache-Control': 'no-cache' });
    response.sendFile(join(webDir, 'index.html'));
  };
  const router = Router();
  router.get('/', page);
  router.get('/requests', page);
  router.get('/requests/:request_id', page);
  router.use('/assets', express.static(join(webDir, 'assets'), { immutable: true, maxAge: '365d' }));
  router.use(express.static(webDir, { index: false }));
  return router;
};

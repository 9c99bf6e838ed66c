import { Controller, Get, NotFoundException, Param, Res, StreamableFile } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { Answer } from './answer.js';
import { contentOf } from '../look/served-files.js';
import { INDEX, pageFiles } from './page-files.js';

/** Nothing but what this application serves, and nothing written into the page itself. */
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page, from files that are read once. */
@Controller()
@ApiExcludeController()
export class PageController {
  private readonly files = pageFiles();

  @Get()
  index(@Res({ passthrough: true }) answer: Answer) {
    answer.header('Content-Security-Policy', CONTENT_SECURITY_POLICY);
    answer.header('Referrer-Policy', 'no-referrer');
    return this.send(INDEX, answer);
  }

  @Get('page/:file')
  file(@Param('file') name: string, @Res({ passthrough: true }) answer: Answer) {
    // The page itself is served with its policy, or not at all.
    if (name === INDEX) throw missing(name);
    return this.send(name, answer);
  }

  private send(name: string, answer: Answer): StreamableFile {
    const file = this.files.get(name);
    if (!file) throw missing(name);
    answer.header('Cache-Control', 'no-cache');
    answer.header('X-Content-Type-Options', 'nosniff');
    return new StreamableFile(file, { type: contentOf(name), length: file.length });
  }
}

const missing = (name: string) => new NotFoundException(`The page has no file "${name}".`);

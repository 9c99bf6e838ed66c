import { Controller, Get, Header, NotFoundException, Redirect, Req, Res, StreamableFile } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipRateLimit } from 'nestjs-redis-rate-limit';
import { readingPolicy } from '../look/frame.js';
import { contentOf } from '../look/served-files.js';
import { documentPage } from './document-page.js';
import { readRepositoryFile, repositoryFiles } from './repository-files.js';

/** What the answers of both frameworks can do. */
interface Answer {
  header(name: string, value: string): unknown;
}

/** The README, the docs and the source of this sample, to read where there is no network. */
@Controller()
@SkipRateLimit()
@ApiExcludeController()
export class DocsController {
  @Get('docs')
  @Redirect('docs/README.md')
  docs() {
    return;
  }

  @Get([...repositoryFiles])
  @Header('Cache-Control', 'no-cache')
  @Header('X-Content-Type-Options', 'nosniff')
  read(@Req() request: { url: string }, @Res({ passthrough: true }) answer: Answer): string | StreamableFile {
    const path = pathOf(request.url);
    if (!repositoryFiles.has(path)) throw new NotFoundException(`There is no page "${path}".`);
    const content = readRepositoryFile(path);
    if (/\.(?:png|svg)$/.test(path))
      return new StreamableFile(content, { type: contentOf(path), length: content.length });
    answer.header('Content-Type', 'text/html; charset=utf-8');
    answer.header('Content-Security-Policy', readingPolicy);
    return documentPage(path, content.toString('utf8'), (other) => repositoryFiles.has(other));
  }
}

/** `/docs/policies.md?x` is `docs/policies.md`. */
const pathOf = (url: string): string => url.replace(/^\/+/, '').replace(/[?#].*$/s, '');

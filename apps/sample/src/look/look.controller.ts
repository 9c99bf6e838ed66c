import { Controller, Get, Header, NotFoundException, Param, StreamableFile } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { SkipRateLimit } from 'nestjs-redis-rate-limit';
import { contentOf, filesIn } from './served-files.js';

/** The style that all pages share. */
@Controller('look')
@SkipRateLimit()
@ApiExcludeController()
export class LookController {
  private readonly files = new Map(filesIn(new URL('../../look/', import.meta.url)));

  @Get(':file')
  @Header('Cache-Control', 'no-cache')
  @Header('X-Content-Type-Options', 'nosniff')
  file(@Param('file') name: string): StreamableFile {
    const file = this.files.get(name);
    if (!file) throw new NotFoundException(`There is no file "${name}".`);
    return new StreamableFile(file, { type: contentOf(name), length: file.length });
  }
}

"""Coroutines in flight: awaiting futures, each other, locks and queues; asynchronous generators; tasks with their contexts."""

import asyncio
import contextvars

request = contextvars.ContextVar("request")


class Pause:
    def __await__(self):
        answer = yield self
        return answer


async def leaf(number):
    local = [number]
    await Pause()
    return local


async def branch(number):
    first = await leaf(number)
    return first, await leaf(number)


async def ticks():
    n = 0
    while True:
        yield n
        await Pause()
        n += 1


async def reader(queue, name):
    request.set({"name": name})
    async with asyncio.Lock():
        return await queue.get()


loop = asyncio.new_event_loop()
flying = [branch(n) for n in range(150)]
for one in flying:
    one.send(None)
new = [leaf(n) for n in range(20)]
generators = [ticks() for _ in range(30)]
steps = [one.__anext__() for one in generators]
futures = [loop.create_future() for _ in range(50)]
for number, future in enumerate(futures):
    future.add_done_callback(flying.append)
    if number % 2:
        future.set_result({"number": number})
queues = [asyncio.Queue() for _ in range(20)]
tasks = [loop.create_task(reader(queue, f"reader {n}")) for n, queue in enumerate(queues)]
contexts = [contextvars.copy_context() for _ in range(20)]
for number, context in enumerate(contexts):
    context.run(request.set, (number, contexts))

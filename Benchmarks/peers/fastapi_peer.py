"""A peer for the benchmark: FastAPI, numpy and orjson answering the same POST /schedule for a cosine.

    uvicorn --app-dir Benchmarks/peers fastapi_peer:app
"""
import numpy
import orjson
from fastapi import FastAPI, Request, Response

app = FastAPI()


@app.post("/schedule")
async def schedule(request: Request) -> Response:
    asked = orjson.loads(await request.body())
    cosine, steps = asked["schedule"], asked["steps"]
    base, end, total = cosine["base_lr"], cosine.get("end_lr", 0.0), cosine["total_steps"]
    progress = numpy.minimum(numpy.arange(steps) / total, 1)
    rates = end + (base - end) * (1 + numpy.cos(numpy.pi * progress)) / 2
    content = orjson.dumps({"learning_rates": rates}, option=orjson.OPT_SERIALIZE_NUMPY)
    return Response(content, media_type="application/json")

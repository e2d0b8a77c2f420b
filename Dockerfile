# The bot alone: `docker build -t klingbot .`; docs/operating.md has a recipe for Compose.
FROM python:3.12-slim
WORKDIR /app
COPY requirements.txt ./
RUN pip install --no-cache-dir -r requirements.txt
COPY bot.py ./
COPY klingbot klingbot
COPY migrations migrations
CMD ["python", "bot.py"]

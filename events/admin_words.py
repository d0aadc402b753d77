"""What the desk says of events."""

STATUS_WORDS = {
    "pending": "Pending",
    "failed": "Failed, will be retried",
    "dead_letter": "Dead letter",
    "delivered": "Delivered",
    "acknowledged": "Acknowledged",
}

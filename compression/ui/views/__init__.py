"""What the page shows, as HTML: pure functions of snapshots, results, estimates and predictions."""

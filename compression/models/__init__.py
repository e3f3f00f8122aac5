"""Loading classifiers, building students, fine-tuning teachers, and the one seam that knows devices."""

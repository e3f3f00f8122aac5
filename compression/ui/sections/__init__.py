"""The page's sections: functions that only create components and return them by name."""

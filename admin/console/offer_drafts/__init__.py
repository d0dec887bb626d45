"""The console's editor of offers: five steps, saved one by one, beside what members will see."""

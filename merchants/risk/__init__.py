"""What looks wrong at tills: rules that raise alerts, and the queue in which a person looks at them."""

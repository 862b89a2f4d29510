"""What backends share: their interface, how they are found, how interpreters are asked."""

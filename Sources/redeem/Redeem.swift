import ArgumentParser
import Configuration

@main struct Redeem: AsyncParsableCommand {}
